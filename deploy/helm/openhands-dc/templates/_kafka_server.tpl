{{/* What both containers of the broker's pod have. */}}
{{- define "ohdc.kafka.container" -}}
{{- $embedded := .Values.kafka.embedded -}}
image: {{ include "ohdc.image" (dict "image" $embedded.image) }}
imagePullPolicy: {{ $embedded.image.pullPolicy }}
env:
  - name: KAFKA_HEAP_OPTS
    value: -Xms{{ $embedded.heap }} -Xmx{{ $embedded.heap }}
  # One core is enough for it; memory outside the heap is bounded, so that the container's limit holds.
  - name: KAFKA_JVM_PERFORMANCE_OPTS
    value: >-
      -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:MaxMetaspaceSize=128m -XX:ReservedCodeCacheSize=48m
      -XX:MaxDirectMemorySize=128m -Djdk.nio.maxCachedBufferSize=1048576 -XX:-UsePerfData -XX:+ExitOnOutOfMemoryError
  - name: KAFKA_LOG4J_OPTS
    value: -Dlog4j2.configurationFile=/etc/ohdc/kafka/log4j2.yaml
  # Without it the scripts write a log of garbage collections.
  - name: EXTRA_ARGS
    value: -name kafka
  - name: LOG_DIR
    value: /tmp/logs
securityContext:
  {{- include "ohdc.containerSecurity" . | nindent 2 }}
resources:
  {{- toYaml $embedded.resources | nindent 2 }}
volumeMounts:
  - name: data
    mountPath: /var/lib/kafka/data
  - name: config
    mountPath: /etc/ohdc/kafka
    readOnly: true
  - name: tmp
    mountPath: /tmp
{{- end }}

{{/* The broker's properties. */}}
{{- define "ohdc.kafka.server" -}}
{{- $sizes := include "ohdc.kafka.sizes" . | fromYaml -}}
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:9093
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
listeners=PLAINTEXT://:9092,CONTROLLER://localhost:9093
advertised.listeners=PLAINTEXT://{{ include "ohdc.kafka.brokers" . }}
# Not the volume's own folder, in which a file system may have a lost+found.
log.dirs=/var/lib/kafka/data/kraft
# A record is on the disk before it is confirmed.
log.flush.interval.messages=1
log.segment.bytes={{ int64 $sizes.segment }}
log.retention.bytes={{ int64 $sizes.retention }}
log.retention.check.interval.ms=300000
metadata.log.segment.bytes=16777216
metadata.max.retention.bytes=33554432
auto.create.topics.enable=false
num.partitions=3
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
offsets.topic.segment.bytes=16777216
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# After a crash the controller waits this long for the broker that it knew.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# Largest record 13 MiB; requests in memory are bounded, as the heap is small.
message.max.bytes=13631488
replica.fetch.max.bytes=13631488
socket.request.max.bytes=16777216
queued.max.request.bytes=67108864
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=4194304
{{- end }}
