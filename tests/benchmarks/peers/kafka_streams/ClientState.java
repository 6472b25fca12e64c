import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/**
 * What is known of one client: sessions counted, the last sessions by hash (so that none counts twice), the checked
 * days of each habit as runs, and the awards given. Its bytes are compact: a count, longs, ints and short texts.
 */
final class ClientState {
  private static final int REMEMBERED_SESSIONS = 512; // as many as Cairn remembers

  /** Consecutive days. */
  record Run(int first, int last) {
    int length() {
      return last - first + 1;
    }

    boolean overlaps(Run other) {
      return first <= other.last && other.first <= last;
    }
  }

  /** A threshold of a rule that was given for a run of days. */
  record Award(int threshold, Run run) {}

  /** The runs of a habit in order of time, and the awards for them. */
  record Habit(List<Run> runs, List<Award> awards) {}

  int sessions;
  long[] lastSessions = {};
  int sessionAwards; // a bit for each threshold
  final Map<String, Habit> habits = new LinkedHashMap<>();

  static Serde<ClientState> serde() {
    Deserializer<ClientState> decode = (topic, bytes) -> bytes == null ? null : decode(bytes);
    return Serdes.serdeFrom((topic, state) -> state == null ? null : state.encode(), decode);
  }

  /** Counts a session, once. */
  boolean count(long session) {
    for (long known : lastSessions) {
      if (known == session) {
        return false;
      }
    }
    int dropped = lastSessions.length < REMEMBERED_SESSIONS ? 0 : 1;
    long[] longer = Arrays.copyOfRange(lastSessions, dropped, lastSessions.length + 1);
    longer[longer.length - 1] = session;
    lastSessions = longer;
    sessions++;
    return true;
  }

  /** Checks a day of a habit: the run that it is part of now, or null if it was checked already. */
  Run check(Habit habit, int day) {
    List<Run> runs = habit.runs;
    int at = runs.size(); // where a run would stand that begins on the day: days mostly come in order
    while (at > 0 && runs.get(at - 1).first > day) {
      at--;
    }
    Run before = at > 0 ? runs.get(at - 1) : null;
    if (before != null && day <= before.last) {
      return null;
    }
    Run joined = new Run(day, day);
    if (at < runs.size() && runs.get(at).first == day + 1) {
      joined = new Run(day, runs.remove(at).last);
    }
    if (before != null && before.last == day - 1) {
      joined = new Run(before.first, joined.last);
      runs.set(at - 1, joined);
    } else {
      runs.add(at, joined);
    }
    return joined;
  }

  /** The length, on a day, of the run that was alive on it, over all habits. */
  int currentStreak(int day) {
    return habits.values().stream().flatMap(habit -> habit.runs.stream())
        .filter(run -> run.first <= day && day <= run.last + 1)
        .mapToInt(run -> Math.min(day, run.last) - run.first + 1).max().orElse(0);
  }

  int longestStreak() {
    return habits.values().stream().flatMap(habit -> habit.runs.stream()).mapToInt(Run::length).max().orElse(0);
  }

  private byte[] encode() {
    List<byte[]> names = new ArrayList<>(habits.size());
    int size = 4 + 4 + 4 + 8 * lastSessions.length + 4;
    for (Map.Entry<String, Habit> each : habits.entrySet()) {
      byte[] name = each.getKey().getBytes(StandardCharsets.UTF_8);
      names.add(name);
      size += 4 + name.length + 4 + 8 * each.getValue().runs.size() + 4 + 12 * each.getValue().awards.size();
    }
    ByteBuffer to = ByteBuffer.allocate(size).putInt(sessions).putInt(sessionAwards).putInt(lastSessions.length);
    for (long session : lastSessions) {
      to.putLong(session);
    }
    to.putInt(habits.size());
    int number = 0;
    for (Habit habit : habits.values()) {
      byte[] name = names.get(number++);
      to.putInt(name.length).put(name).putInt(habit.runs.size());
      habit.runs.forEach(run -> to.putInt(run.first).putInt(run.last));
      to.putInt(habit.awards.size());
      habit.awards.forEach(award -> to.putInt(award.threshold).putInt(award.run.first).putInt(award.run.last));
    }
    return to.array();
  }

  private static ClientState decode(byte[] bytes) {
    ByteBuffer from = ByteBuffer.wrap(bytes);
    ClientState state = new ClientState();
    state.sessions = from.getInt();
    state.sessionAwards = from.getInt();
    state.lastSessions = new long[from.getInt()];
    for (int at = 0; at < state.lastSessions.length; at++) {
      state.lastSessions[at] = from.getLong();
    }
    for (int left = from.getInt(); left > 0; left--) {
      byte[] name = new byte[from.getInt()];
      from.get(name);
      int runCount = from.getInt();
      List<Run> runs = new ArrayList<>(runCount + 1);
      for (int at = 0; at < runCount; at++) {
        runs.add(new Run(from.getInt(), from.getInt()));
      }
      int awardCount = from.getInt();
      List<Award> awards = new ArrayList<>(awardCount);
      for (int at = 0; at < awardCount; at++) {
        awards.add(new Award(from.getInt(), new Run(from.getInt(), from.getInt())));
      }
      state.habits.put(new String(name, StandardCharsets.UTF_8), new Habit(runs, awards));
    }
    return state;
  }
}
