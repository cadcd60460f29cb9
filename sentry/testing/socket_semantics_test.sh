#!/bin/bash
# Arguments: the binary, the programs, the test.
exec python3 "$4" "$1" "$2" "$3"
