import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams by its Processor API: one stream thread, exactly_once_v2, the clients in RocksDB or in memory, with a
 * changelog.
 *
 * <p>Set for throughput as its manual has it (Developer Guide, kafka.apache.org/44/streams/developer-guide): the record
 * cache of "Memory Management", of 256 MiB, so that a client's states between two commits make one changelog record and
 * one write to RocksDB; a commit interval ("Configuring a Streams Application") of 1 s in place of 100 ms, which trades
 * latency for that; batches of the producer of 256 KiB, so that a changelog's commit is one request. All else is at its
 * default. The heap is bounded and the collector is the parallel one, the JVM's for throughput: see roster.py.
 *
 * <p>Environment: BENCH_KAFKA, BENCH_APP (application id), BENCH_EVENTS and BENCH_MILESTONES (topics read and written
 * to), BENCH_GUARANTEE, BENCH_STORE (rocksdb or memory), BENCH_FOLDER (for its state), BENCH_RULEBOOK_DIGEST.
 */
public final class Main {
  public static void main(String[] arguments) throws InterruptedException {
    KafkaStreams streams = new KafkaStreams(topology(), settings());
    CountDownLatch ended = new CountDownLatch(1);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      ended.countDown();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(20))));
    streams.start();
    ended.await();
    System.exit(1);
  }

  private static Topology topology() {
    KeyValueBytesStoreSupplier store = switch (System.getenv("BENCH_STORE")) {
      case "rocksdb" -> Stores.persistentKeyValueStore(Tracker.STORE);
      case "memory" -> Stores.inMemoryKeyValueStore(Tracker.STORE);
      default -> throw new IllegalArgumentException("BENCH_STORE is rocksdb or memory");
    };
    var bytes = Serdes.ByteArray();
    return new Topology()
        .addSource("events", bytes.deserializer(), bytes.deserializer(), System.getenv("BENCH_EVENTS"))
        .addProcessor("tracker", Tracker::new, "events")
        .addStateStore(
            Stores.keyValueStoreBuilder(store, bytes, ClientState.serde()).withCachingEnabled(), "tracker")
        .addSink("milestones", System.getenv("BENCH_MILESTONES"), bytes.serializer(), bytes.serializer(), "tracker");
  }

  private static Properties settings() {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, System.getenv("BENCH_APP"));
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("BENCH_KAFKA"));
    settings.put(StreamsConfig.STATE_DIR_CONFIG, System.getenv("BENCH_FOLDER"));
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, System.getenv("BENCH_GUARANTEE"));
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1_000);
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L * 1024 * 1024);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 * 1024);
    return settings;
  }
}
