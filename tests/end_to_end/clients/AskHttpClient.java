// Java's HttpClient, which offers h2c with every request. Run with the proxy's address; prints a line an answer.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.List;

public class AskHttpClient {
    public static void main(String[] arguments) throws Exception {
        URI echo = URI.create(arguments[0] + "/echo?a=1");
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest.Builder json = HttpRequest.newBuilder(echo).header("Content-Type", "application/json");
        for (HttpRequest request : List.of(
                json.copy().POST(BodyPublishers.ofString("{\"x\": 1}")).build(),
                json.copy().expectContinue(true).POST(BodyPublishers.ofString("late")).build(),
                HttpRequest.newBuilder(echo).POST(BodyPublishers.ofInputStream(
                        () -> new java.io.ByteArrayInputStream("one two".getBytes()))).build(),
                HttpRequest.newBuilder(URI.create(arguments[0] + "/headless")).build())) {
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(answer.version() + " " + answer.statusCode() + " " + answer.body());
        }
    }
}
