"""What `make bench` measures: throughput, latency, reading, judging and memory, beside a baseline in the same run."""
