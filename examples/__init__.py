"""Small programs to copy; `make check` reads them and a test runs them."""
