"""The founding day, replayed: ordinary traffic in the journal, then a hundredfold flood through the front doors."""
