"""Apache Kafka through confluent-kafka (librdkafka): the only folder that imports it."""
