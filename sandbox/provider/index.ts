export { ProviderError } from "./errors.ts";
export type { Script, Step, ToolCall } from "./conversation.ts";
export { NONE, UNKNOWN, type ProviderKeys } from "./keys.ts";
export { fetchRecords, launchProvider, stopProvider, type LaunchOptions } from "./process.ts";
export type { ProviderRecord } from "./records.ts";
export { RECORDS_PATH, startProvider, type Provider, type ProviderOptions } from "./server.ts";
