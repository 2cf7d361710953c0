//! The tools that a model may use: what it is told of them, and the service that performs those that need I/O.
