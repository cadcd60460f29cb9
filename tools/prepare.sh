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

# While it exists, packages do not start their daemons when they are installed (invoke-rc.d).
PREPARE_POLICY=/usr/sbin/policy-rc.d
prepare_policy_made=

prepare_forbid_daemons() {
  [ -e "$PREPARE_POLICY" ] && return
  prepare_policy_made=yes
  printf '#!/bin/sh\nexit 101\n' >"$PREPARE_POLICY"
  chmod 755 "$PREPARE_POLICY"
}

# To be called from the script's own EXIT trap too.
prepare_cleanup() {
  [ -n "$prepare_policy_made" ] && rm -f "$PREPARE_POLICY"
  prepare_policy_made=
}

# prepare_packages GROUP...: installs what is missing, if anything.
prepare_packages() {
  local missing
  missing=$(prepare_missing "$@")
  [ -z "$missing" ] && return
  command -v apt-get >/dev/null || prepare_fail "missing, and there is no apt-get: "$missing
  echo "Installing Debian packages:" $missing
  export DEBIAN_FRONTEND=noninteractive
  prepare_forbid_daemons
  apt-get -qq update || echo "${0##*/}: apt-get update failed; trying with the present lists" >&2
  # Word splitting is meant: one argument per package.
  apt-get -qq -y --no-install-recommends install $missing >/dev/null ||
    prepare_fail "apt-get could not install: "$missing
  prepare_cleanup
  missing=$(prepare_missing "$@")
  [ -z "$missing" ] || prepare_fail "still missing after installing: "$missing
}

# prepare_bazel COMMAND ARGUMENT...: no server stays behind, and every file is below .cache. Replaces the
# calling shell, so that a signal reaches Bazel itself: call it as (prepare_bazel ...) or with &.
prepare_bazel() {
  cd "$MOAT_TOP" || exit 1
  exec bazel --batch --output_user_root="$MOAT_TOP/.cache/bazel" --host_jvm_args=-XX:-UsePerfData "$@"
}
