// Reads Strimzi's resources from a YAML file into Strimzi's own classes, and prints each field that
// these do not know. A wrong type or a word that is no value of its field ends it with an exception.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.File;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.Map;

public class Strict {
    static final String CLASSES = "io.strimzi.api.kafka.model.";
    static final Map<String, String> KINDS = Map.of(
        "Kafka", "kafka.Kafka",
        "KafkaNodePool", "nodepool.KafkaNodePool",
        "KafkaTopic", "topic.KafkaTopic",
        "KafkaUser", "user.KafkaUser");

    public static void main(String[] arguments) throws Exception {
        ObjectMapper mapper = new ObjectMapper(new YAMLFactory());
        MappingIterator<JsonNode> documents =
            mapper.readerFor(JsonNode.class).readValues(new File(arguments[0]));
        while (documents.hasNext()) {
            JsonNode document = documents.next();
            String kind = document.get("kind").asText();
            Class<?> type = Class.forName(CLASSES + KINDS.get(kind));
            String name = document.get("metadata").get("name").asText();
            look(mapper.treeToValue(document, type), kind + "/" + name);
        }
    }

    static void look(Object value, String place) throws Exception {
        if (value instanceof Map<?, ?> map) {
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                look(entry.getValue(), place + "." + entry.getKey());
            }
        } else if (value instanceof Collection<?> items) {
            for (Object item : items) {
                look(item, place + "[]");
            }
        } else if (value != null && !(value instanceof Enum) && isModel(value)) {
            for (Method getter : value.getClass().getMethods()) {
                if (getter.getName().startsWith("get") && getter.getParameterCount() == 0) {
                    lookAt(getter, value, place);
                }
            }
        }
    }

    static boolean isModel(Object value) {
        String name = value.getClass().getName();
        return name.startsWith("io.strimzi.") || name.startsWith("io.fabric8.");
    }

    static void lookAt(Method getter, Object value, String place) throws Exception {
        if (getter.getName().equals("getAdditionalProperties")) {
            for (Object field : ((Map<?, ?>) getter.invoke(value)).keySet()) {
                System.out.println(place + "." + field);
            }
        } else if (!getter.getName().equals("getClass")) {
            look(getter.invoke(value), place + "." + getter.getName().substring(3));
        }
    }
}
