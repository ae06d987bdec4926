"""The protocol by which surge detectors are compared: series, injections, an oracle and peers, thresholds, figures."""
