import type { ProgramInfo } from "@pulumi/pulumi/proto/language_pb.js";
import { PluginError } from "../shared/plugin-error.ts";

/** The `runtime.options` of Pulumi.yaml that this host understands. */
export interface RuntimeOptions {
  /** Whether the SDK registers ts-node; the official default is true. */
  readonly typescript: boolean;
  /** Arguments for node, before the script. */
  readonly nodeargs: readonly string[];
  readonly tsconfig?: string;
}

const ACCEPTED = ["typescript", "nodeargs", "tsconfig", "packagemanager"];

/** @throws {PluginError} for an option that only the official host serves. */
export function readOptions(info: ProgramInfo | undefined): RuntimeOptions {
  const options = info?.getOptions()?.toJavaScript() ?? {};
  const unknown = Object.keys(options).find((name) => !ACCEPTED.includes(name));
  if (unknown !== undefined) {
    throw new PluginError(
      `runtime option "${unknown}" is not served by Gatehouse's stand-in for pulumi-language-nodejs; ` +
        "install the official Pulumi CLI, which brings that host",
    );
  }
  const { typescript, nodeargs, tsconfig } = options;
  return {
    typescript: typescript !== false && typescript !== "false",
    nodeargs: typeof nodeargs === "string" ? splitArguments(nodeargs) : [],
    ...(typeof tsconfig === "string" && { tsconfig }),
  };
}

/** Splits at blanks; quotes keep blanks together. */
export function splitArguments(line: string): string[] {
  const words = line.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? [];
  return words.map((word) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, (_all, double?: string, single?: string) => double ?? single ?? ""),
  );
}
