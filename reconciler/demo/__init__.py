"""The demonstration, and the lab of real machines that it and the e2e tests stand on."""
