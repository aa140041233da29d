"""What a council is and how it decides: values and pure functions, without input, output or a clock."""
