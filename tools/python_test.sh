#!/bin/sh
# Runs one Python file of tests: python_test.sh FILE
exec /usr/bin/python3 -B "$1"
