import java.time.Instant;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Publishes that a habit was checked, in binary mode: java Produce BOOTSTRAP_SERVERS (kafka-clients). */
public class Produce {
  public static void main(String[] args) throws Exception {
    String now = Instant.now().toString();
    Map<String, String> attributes = Map.of(
        "ce_specversion", "1.0",
        "ce_id", "morning-walk-" + now.substring(0, 10), // made of what happened: sent twice, it counts once
        "ce_source", "my-java-app",
        "ce_type", "habit.checked",
        "ce_subject", "c_7k2d",
        "ce_tenantid", "iron-and-oak",
        "ce_time", now,
        "content-type", "application/json");
    String data = "{\"habit_id\": \"morning-walk\", \"title\": \"Morning walk\"}";
    var event = new ProducerRecord<>("coaching.events.v1", "iron-and-oak/c_7k2d", data);
    attributes.forEach((name, value) -> event.headers().add(name, value.getBytes()));
    // The client's own defaults are right: murmur2, idempotent, acks=all.
    Map<String, Object> settings = Map.of("bootstrap.servers", args[0]);
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      System.out.println("partition " + producer.send(event).get().partition());
    }
  }
}
