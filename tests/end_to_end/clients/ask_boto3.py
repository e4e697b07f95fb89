"""boto3's SageMaker runtime: one signed invocation.

Run with the proxy's address, the key's name and the key; prints the answer's body.
"""

import sys

import boto3  # type: ignore[import-not-found]  # lives in the clients' environment

URL, NAME, KEY = sys.argv[1:]

runtime = boto3.client(
    "sagemaker-runtime",
    endpoint_url=URL,
    region_name="eu-west-1",
    aws_access_key_id=NAME,
    aws_secret_access_key=KEY,
)
answer = runtime.invoke_endpoint(
    EndpointName="iris", ContentType="application/json", Body=b'{"instances": [[5.1]]}', InferenceId="i-1"
)
print(answer["Body"].read().decode())
