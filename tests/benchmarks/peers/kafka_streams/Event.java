import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

/** What the job needs of an event, read in one pass by Jackson's streaming parser, its fastest. */
record Event(String type, String id, String tenant, String client, OffsetDateTime at, String habit, String session) {
  private static final JsonFactory JSON = new JsonFactory();

  static Event decode(byte[] value) throws IOException {
    String type = null, id = null, tenant = null, client = null, habit = null, session = null;
    OffsetDateTime at = null;
    try (JsonParser parser = JSON.createParser(value)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("an event is a JSON object");
      }
      for (String name = parser.nextFieldName(); parser.currentToken() != null; name = parser.nextFieldName()) {
        if (name == null) {
          continue; // the end of `data`, or of the event
        }
        parser.nextToken();
        switch (name) {
          case "type" -> type = parser.getText();
          case "id" -> id = parser.getText();
          case "tenantid" -> tenant = parser.getText();
          case "subject" -> client = parser.getText();
          case "time" -> at = OffsetDateTime.parse(parser.getText());
          case "data" -> { } // its fields come next
          case "habit_id" -> habit = parser.getText();
          case "session_id" -> session = parser.getText();
          default -> parser.skipChildren();
        }
      }
    }
    return new Event(type, id, tenant, client, at, habit, session);
  }

  /** The client's local day, counted from 1970; all clients of the bench live in UTC. */
  int day() {
    return Math.toIntExact(at.withOffsetSameInstant(ZoneOffset.UTC).toLocalDate().toEpochDay());
  }
}
