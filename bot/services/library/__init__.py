"""The library that 提问 searches: ``words`` cuts texts, ``entries`` fills the tables, ``search`` finds and ranks."""
