"""How it runs: the decide graph, operators, Kafka, the fold, configuration, the embedded stack."""
