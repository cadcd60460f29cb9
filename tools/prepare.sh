# Sourced by quickstart and run-tests: makes a Debian 12 machine ready, and runs Bazel so that it
# leaves nothing outside the checkout. Needs $MOAT_TOP, the checkout's directory.

prepare_fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

prepare_require_root() {
  [ "$(id -u)" = 0 ] || prepare_fail "must be run as root"
}

# prepare_missing GROUP...: prints the packages of the groups that are not there.
prepare_missing() {
  local group package probe wanted
  wanted=" $* "
  while read -r group package probe; do
    case $group in '' | '#'*) continue ;; esac
    case $wanted in *" $group "*) ;; *) continue ;; esac
    case $probe in
      /*) [ -e "$probe" ] && continue ;;
      *) PATH="$PATH:/usr/sbin:/sbin:/usr/local/go/bin" command -v "$probe" >/dev/null && continue ;;
    esac
    echo "$package"
  done <"$MOAT_TOP/tools/packages"
}

# What is running for the script; see prepare_run.
prepare_child=

# Runs a command so that a signal to the script is acted on at once: bash does not run a trap while it waits
# for a command in the foreground. The command has SIGINT ignored, as all of bash's background commands:
# `env --default-signal=INT,QUIT` undoes that.
prepare_run() {
  "$@" &
  prepare_child=$!
  wait "$prepare_child"
  local status=$?
  prepare_child=
  return "$status"
}

# While it exists, packages do not start their daemons when they are installed (invoke-rc.d).
PREPARE_POLICY=/usr/sbin/policy-rc.d
prepare_policy_made=
# What the Java programs of packages leave there.
PREPARE_JAVA=/tmp/hsperfdata_root
prepare_java_was=yes

prepare_forbid_daemons() {
  [ -e "$PREPARE_JAVA" ] || prepare_java_was=
  [ -e "$PREPARE_POLICY" ] && return
  prepare_policy_made=yes
  printf '#!/bin/sh\nexit 101\n' >"$PREPARE_POLICY"
  chmod 755 "$PREPARE_POLICY"
}

prepare_allow_daemons() {
  [ -n "$prepare_policy_made" ] && rm -f "$PREPARE_POLICY"
  prepare_policy_made=
  [ -z "$prepare_java_was" ] && rmdir "$PREPARE_JAVA" 2>/dev/null
  prepare_java_was=yes
}

# To be called from the script's own EXIT trap: ends what prepare_run started, and takes back the rest.
prepare_cleanup() {
  trap '' INT TERM HUP
  if [ -n "$prepare_child" ]; then
    kill -TERM "$prepare_child" 2>/dev/null
    wait "$prepare_child" 2>/dev/null
  fi
  prepare_child=
  prepare_allow_daemons
}

# prepare_packages GROUP...: installs what is missing, if anything.
prepare_packages() {
  local missing
  missing=$(prepare_missing "$@")
  [ -z "$missing" ] && return
  command -v apt-get >/dev/null || prepare_fail "missing, and there is no apt-get: "$missing
  echo "Installing Debian packages:" $missing
  export DEBIAN_FRONTEND=noninteractive
  prepare_run apt-get -qq update ||
    echo "${0##*/}: apt-get update failed; trying with the present lists" >&2
  # Word splitting is meant: one argument per package.
  prepare_run apt-get -qq -y --no-install-recommends --download-only install $missing >/dev/null ||
    prepare_fail "apt-get could not download: "$missing
  prepare_forbid_daemons
  # Not to be interrupted, which would leave packages half configured: a signal waits for its end, and
  # that of a terminal does not reach it.
  setsid --wait apt-get -qq -y --no-install-recommends install $missing </dev/null >/dev/null ||
    prepare_fail "apt-get could not install: "$missing
  prepare_allow_daemons
  missing=$(prepare_missing "$@")
  [ -z "$missing" ] || prepare_fail "still missing after installing: "$missing
}

# prepare_bazel COMMAND ARGUMENT...: no server stays behind, and every file is below .cache. Replaces the
# calling shell, so that a signal reaches Bazel itself: call it with prepare_run.
prepare_bazel() {
  cd "$MOAT_TOP" || exit 1
  exec env --default-signal=INT,QUIT bazel --batch --output_user_root="$MOAT_TOP/.cache/bazel" \
    --host_jvm_args=-XX:-UsePerfData "$@"
}
