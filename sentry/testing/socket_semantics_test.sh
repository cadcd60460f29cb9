#!/bin/bash
# Arguments: the binary, the program, the test.
exec python3 "$3" "$1" "$2"
