/** Everything of the stand-in that a real Mac does not have is below this directory of the node. */
export const STAND_IN = "/opt/stand-in-macos";

export const PATHS = {
  /** The Node that runs the stand-in's programs; it is none of the product's. */
  node: `${STAND_IN}/node`,
  programs: `${STAND_IN}/programs.mjs`,
  xpcproxy: `${STAND_IN}/xpcproxy.sh`,
  darwin: `${STAND_IN}/darwin.cjs`,
  /** `usr` of the Debian tree underneath; not on any PATH. */
  linux: `${STAND_IN}/linux/usr`,
  socket: `${STAND_IN}/run/launchd.sock`,
  /** JSON of `Faults`: written by tests. */
  faults: `${STAND_IN}/state/faults.json`,
  /** JSON files of the programs that keep state. */
  state: `${STAND_IN}/state`,
  /** Records of the directory service. */
  directory: `${STAND_IN}/state/directory.json`,
  /** Of the accounts that libc sees. */
  etc: "/private/etc",
  machineId: `${STAND_IN}/state/platform-uuid`,
  /** What `log show` reads. */
  log: `${STAND_IN}/state/launchd.log`,
  overrides: "/private/var/db/com.apple.xpc.launchd/disabled.plist",
} as const;
