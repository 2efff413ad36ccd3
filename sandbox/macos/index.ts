import { startNode, type StartOptions, type TestNode } from "../node/index.ts";
import { PATHS } from "./paths.ts";
import { MACOS_STAND_IN } from "./tree.ts";

export {
  packNodeArchive,
  serveArchive,
  serveRuntime,
  type RegistryMirror,
  type StandInArchive,
  type StandInRuntime,
} from "./node-archive.ts";
export { PATHS, STAND_IN } from "./paths.ts";

/**
 * Somebody logs in at the screen: launchd makes `gui/UID` and loads that user's agents.
 * @throws {Error} for somebody who is there already, or no user.
 */
export async function screenLogin(node: TestNode, user: string): Promise<void> {
  const { code, stderr } = await node.exec(`${PATHS.node} ${PATHS.programs} screen-login ${user}`);
  if (code !== 0) throw new Error(`nobody logged in at the screen: ${stderr}`);
}

/**
 * Starts a stand-in for a Mac: a container laid out as macOS in which small programs answer as launchctl, dscl, pmset and
 * the like do, as far as Gatehouse calls them. It has no macOS in it, and what runs on it is no evidence of how a Mac
 * behaves beyond the sources that the programs name.
 * @throws {NodeError} as `startNode`.
 */
export async function startMacosStandIn(options: StartOptions): Promise<TestNode> {
  options.progress?.(`${options.name} is a stand-in for a Mac, not a Mac`);
  return startNode(options, MACOS_STAND_IN);
}
