#!/bin/sh
# On a real Mac, as root: the tools' behaviour that node/platform/darwin relies on. Leaves nothing behind.
# usage: launchd.sh NODE
set -eu
node=$1
name=_gatehousetest
label=org.gatehouse.gateway.launchd-test
plist=/Library/LaunchDaemons/$label.plist
log=/var/log/gatehouse-launchd-test.log

clean_up() {
  launchctl bootout "system/$label" 2>/dev/null || true
  rm -f "$plist" "$log"
  dscl . -delete "/Users/$name" 2>/dev/null || true
  dscl . -delete "/Groups/$name" 2>/dev/null || true
}

say() {
  echo "== $*"
}

until_true() {
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || return 1
    sleep 0.2
  done
}

is_running() {
  launchctl print "system/$label" | grep -q '^	state = running$'
}

is_gone() {
  ! launchctl print "system/$label" >/dev/null 2>&1
}

trap clean_up EXIT
clean_up

say "a uid of a role account that nobody has"
used=$({ dscl . -list /Users UniqueID; dscl . -list /Groups PrimaryGroupID; } | awk '{ print $NF }')
id=499
while echo "$used" | grep -qx "$id"; do id=$((id - 1)); done
[ "$id" -ge 450 ]

say "a hidden user without a login"
dscl . -create "/Groups/$name"
dscl . -create "/Groups/$name" PrimaryGroupID "$id"
dscl . -create "/Users/$name"
for pair in 'IsHidden 1' 'Password *' 'UserShell /usr/bin/false' "PrimaryGroupID $id" "UniqueID $id" 'NFSHomeDirectory /var/empty'; do
  dscl . -create "/Users/$name" "${pair%% *}" "${pair#* }"
done
[ "$(id -u "$name")" = "$id" ]
[ "$(dscl . -read "/Users/$name" Password)" = 'Password: *' ]

say "a record that is not there ends with 56"
status=0
dscl . -read /Users/gatehouse-nobody UniqueID >/dev/null 2>&1 || status=$?
[ "$status" = 56 ] || { echo "it is $status"; exit 1; }

say "a daemon of that user"
cat >"$plist" <<PLIST
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>Label</key><string>$label</string>
<key>UserName</key><string>$name</string>
<key>ProgramArguments</key><array><string>$node</string><string>-e</string><string>setInterval(() =&gt; {}, 1000)</string></array>
<key>EnvironmentVariables</key><dict><key>GATEHOUSE_PROBE</key><string>value</string></dict>
<key>WorkingDirectory</key><string>/</string>
<key>KeepAlive</key><true/>
<key>ExitTimeOut</key><integer>5</integer>
<key>Umask</key><integer>63</integer>
<key>StandardOutPath</key><string>$log</string>
<key>StandardErrorPath</key><string>$log</string>
</dict></plist>
PLIST
chown root:wheel "$plist"
chmod 644 "$plist"
: >"$log"
chown "$name" "$log"
plutil -convert json -o - -- "$plist" >/dev/null
launchctl enable "system/$label"
launchctl bootstrap system "$plist"
until_true is_running
pid=$(launchctl print "system/$label" | sed -n 's/^	pid = //p')
[ "$(ps -o uid= -p "$pid" | tr -d ' ')" = "$id" ]
launchctl print "system/$label" | grep -q '^		GATEHOUSE_PROBE => value$'

say "a second bootstrap is refused"
status=0
launchctl bootstrap system "$plist" 2>/dev/null || status=$?
[ "$status" != 0 ]

say "what the process was started with, as its own user (1: shown, 0: hidden)"
sudo -u "$name" /usr/bin/env -i PATH=/usr/bin:/bin /bin/ps -E -ww -o command= -p "$pid" | grep -c GATEHOUSE_PROBE=value || true

say "the file that it runs"
lsof -a -p "$pid" -d txt -Fn | grep -m1 '^n/'

say "a stop is over when print knows nothing"
launchctl bootout "system/$label" || true
until_true is_gone
status=0
launchctl print "system/$label" >/dev/null 2>&1 || status=$?
[ "$status" = 113 ] || { echo "it is $status"; exit 1; }

say "signature of Node"
codesign --verify --strict "-R=anchor apple generic and certificate leaf[subject.OU] = \"HX7739G8FX\"" "$node" || echo "not the official one: $?"
say "power settings can be read"
pmset -g custom
echo "all as node/platform/darwin expects"
