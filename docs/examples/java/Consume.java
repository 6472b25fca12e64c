import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Prints every milestone: java Consume BOOTSTRAP_SERVERS (kafka-clients, jackson-databind). */
public class Consume {
  public static void main(String[] args) throws Exception {
    Map<String, Object> settings = Map.of(
        "bootstrap.servers", args[0],
        "group.id", "my-java-subscriber",
        "isolation.level", "read_committed", // else milestones of aborted transactions would be read
        "auto.offset.reset", "earliest",
        "enable.auto.commit", false); // committed below, when they are handled
    var handled = new HashSet<>(); // yours: a table with this key, written in one transaction with what you do
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of("coaching.milestones.v1"));
      while (true) {
        for (var record : consumer.poll(Duration.ofSeconds(1))) {
          var read = new ObjectMapper().readTree(record.value());
          var id = read.get("milestone_id").asText() + " " + read.get("revision");
          var type = read.get("type").asText();
          if (handled.add(List.of(id, type))) {
            System.out.println(String.join(" ", type, record.key(), read.get("name").asText(), id));
          }
        }
        consumer.commitSync();
      }
    }
  }
}
