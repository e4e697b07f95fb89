// Node's fetch: JSON, and a body from a stream. Run with the proxy's address; prints statuses and bodies as JSON.
const url = process.argv[2];
const json = { "content-type": "application/json" };
const stream = new ReadableStream({
  start(controller) {
    controller.enqueue(new TextEncoder().encode("one "));
    controller.enqueue(new TextEncoder().encode("two"));
    controller.close();
  },
});
const answers = [];
for (const [path, asking] of [
  ["/echo?a=1", { method: "POST", headers: json, body: '{"x": 1}' }],
  ["/echo", { method: "POST", body: stream, duplex: "half" }],
  ["/zipped", {}],
  ["/echo", { method: "HEAD" }],
  ["/headless", {}],
]) {
  const answer = await fetch(url + path, asking);
  answers.push([answer.status, await answer.text()]);
}
console.log(JSON.stringify(answers));
