export { extraAuthorities } from "./authorities.ts";
export { HostCommandFailed, HostKeyMismatch, NodeError, NodeTimeout } from "./errors.ts";
export { canRunNode, type Capability } from "./host.ts";
export { attachNode, destroyNode, startNode, TestNode, type NodeExecOptions, type StartOptions } from "./node.ts";
export { ensureFilledRootfs, ensureRootfs, USERS, type NodeUser } from "./rootfs.ts";
export type { ExecResult, SshAccess } from "./ssh.ts";
