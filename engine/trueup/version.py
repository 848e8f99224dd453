"""The version of trueup. The build takes it from here, and reading it needs no package metadata."""

VERSION = "0.1.0"
