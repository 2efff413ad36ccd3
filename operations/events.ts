import { isDeepStrictEqual } from "node:util";
import type { EngineEvent, StepEventMetadata } from "@pulumi/pulumi/automation/index.js";
import { stripMarkup } from "./markup.ts";

/** One line for a person, without a newline. */
export type Progress = (line: string) => void;

/** A message of the engine, the program or a provider. */
export interface Diagnostic {
  readonly severity: "info" | "warning" | "error";
  readonly message: string;
  /** Name of the resource it is about. */
  readonly resource?: string;
}

export interface PolicyViolation {
  readonly policy: string;
  readonly level: "advisory" | "mandatory";
  readonly resource: string;
  readonly message: string;
}

/** A resource of a run, components too. Inputs are as the engine tells them: secrets are hidden. */
export interface PlannedChange {
  readonly name: string;
  /** `same` when it stays as it is. */
  readonly op: string;
  /** Type token. */
  readonly type: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** A resource that is worked on. */
interface Running {
  readonly name: string;
  readonly verb: string;
  readonly since: number;
}

const VERBS: Readonly<Record<string, readonly [doing: string, done: string]>> = {
  create: ["creating", "created"],
  "create-replacement": ["creating again", "created again"],
  update: ["updating", "updated"],
  delete: ["removing", "removed"],
  "delete-replaced": ["removing the old one", "removed the old one"],
};

/** Messages that say nothing to an operator; each of them comes with another event that does. */
const NOISE =
  /^(using pulumi-\S+ from \$PATH at |(update|preview|destroy) failed$|resource (creation|update|deletion) failed|preview failed$)|^\d+ errors? occurred:?$/m;

/** The engine's advice about them (refresh) is not for phases that may be run again. */
const PENDING = /^Attempting to deploy or update resources with \d+ pending operations/;

/** `debug` is not among them: the SDK sends such messages with every property in clear, secrets too. */
const LEVELS: Readonly<Record<string, Diagnostic["severity"]>> = {
  info: "info",
  "info#err": "info",
  warning: "warning",
  error: "error",
};

const STACK_TYPE = "pulumi:pulumi:Stack";

/** Turns the engine's events of one run into progress lines, and keeps what the result is made of. */
export class EventCollector {
  readonly diagnostics: Diagnostic[] = [];
  readonly violations: PolicyViolation[] = [];
  /** Every resource but the stack. */
  readonly planned: PlannedChange[] = [];
  readonly #running = new Map<string, Running>();
  readonly #progress: Progress;
  readonly #now: () => number;
  #changes: Readonly<Record<string, number>> = {};
  #outputsChange = false;
  #sawPending = false;

  constructor(progress: Progress, now: () => number = () => performance.now()) {
    this.#progress = progress;
    this.#now = now;
  }

  /** Resources by operation (`same`, `create`, `update`, `delete`, `replace`), as the engine summed them up; reads are none. */
  get changes(): Readonly<Record<string, number>> {
    return this.#changes;
  }

  /** Whether this run, or the run that it previews, alters anything that is recorded. */
  get altersState(): boolean {
    return this.#outputsChange || Object.keys(this.#changes).some((op) => op !== "same");
  }

  /** Whether the state has notes of an interrupted run. */
  get sawPending(): boolean {
    return this.#sawPending;
  }

  readonly add = (event: EngineEvent): void => {
    if (event.diagnosticEvent !== undefined) this.#diagnostic(event.diagnosticEvent);
    else if (event.policyEvent !== undefined) this.#violation(event.policyEvent);
    else if (event.resourcePreEvent !== undefined) this.#begin(event.resourcePreEvent);
    else if (event.resOutputsEvent !== undefined) this.#end(event.resOutputsEvent);
    else if (event.resOpFailedEvent !== undefined) this.#fail(event.resOpFailedEvent.metadata);
    else if (event.summaryEvent !== undefined) this.#changes = counted(event.summaryEvent.resourceChanges);
  };

  /** Says what is still under way, for runs that take minutes. */
  readonly remind = (): void => {
    for (const { name, verb, since } of this.#running.values()) {
      this.#progress(`… ${name}: still ${verb} (${this.#seconds(since)})`);
    }
  };

  #diagnostic({ severity, message, urn, ephemeral }: NonNullable<EngineEvent["diagnosticEvent"]>): void {
    const level = LEVELS[severity];
    if (level === undefined || ephemeral === true) return;
    const text = stripMarkup(message).trim();
    if (text === "" || NOISE.test(text)) return;
    if (PENDING.test(text)) {
      this.#sawPending = true;
      this.#progress("an earlier run was interrupted: what it was doing is done again");
      return;
    }
    const resource = urn === undefined || urn === "" || typeOf(urn) === STACK_TYPE ? undefined : nameOf(urn);
    this.diagnostics.push({ severity: level, message: text, ...(resource !== undefined && { resource }) });
    // errors are told once, at the end, with their fix
    if (level === "error") return;
    this.#progress(`${level === "warning" ? "warning: " : ""}${resource === undefined ? "" : `${resource}: `}${text}`);
  }

  #violation(event: NonNullable<EngineEvent["policyEvent"]>): void {
    const violation: PolicyViolation = {
      policy: event.policyName,
      level: event.enforcementLevel === "mandatory" ? "mandatory" : "advisory",
      resource: event.resourceUrn === undefined ? "" : nameOf(event.resourceUrn),
      message: stripMarkup(event.message).trim(),
    };
    this.violations.push(violation);
    if (violation.level === "advisory") {
      this.#progress(`advisory: ${violation.resource}: ${violation.message} [${violation.policy}]`);
    }
  }

  #begin({ metadata, planning }: NonNullable<EngineEvent["resourcePreEvent"]>): void {
    const { op, type, urn, old, new: next } = metadata;
    if (type !== STACK_TYPE && op !== READ && op !== REFRESH)
      this.planned.push({ name: nameOf(urn), op, type, before: old?.inputs, after: next?.inputs });
    const verbs = VERBS[metadata.op];
    if (verbs === undefined || planning === true || !isWork(metadata)) return;
    const name = nameOf(metadata.urn);
    this.#running.set(metadata.urn, { name, verb: verbs[0], since: this.#now() });
    this.#progress(`${name}: ${verbs[0]}`);
  }

  #end({ metadata, planning }: NonNullable<EngineEvent["resOutputsEvent"]>): void {
    if (typeOf(metadata.urn) === STACK_TYPE && metadata.op !== "delete") {
      this.#outputsChange ||= !isDeepStrictEqual(metadata.old?.outputs, metadata.new?.outputs);
    }
    const verbs = VERBS[metadata.op];
    if (verbs === undefined || !isWork(metadata)) return;
    if (planning === true) {
      this.#progress(`${nameOf(metadata.urn)}: to be ${verbs[1]}`);
      return;
    }
    const running = this.#running.get(metadata.urn);
    if (running === undefined) return;
    this.#running.delete(metadata.urn);
    this.#progress(`${running.name}: ${verbs[1]} (${this.#seconds(running.since)})`);
  }

  #fail({ urn }: StepEventMetadata): void {
    const running = this.#running.get(urn);
    if (running === undefined) return;
    this.#running.delete(urn);
    this.#progress(`${running.name}: FAILED (${this.#seconds(running.since)})`);
  }

  #seconds(since: number): string {
    return `${((this.#now() - since) / 1000).toFixed(1)} s`;
  }
}

/** Components and the engine's own entries do nothing by themselves. */
function isWork({ type, old, new: next }: StepEventMetadata): boolean {
  return !type.startsWith("pulumi:") && (next ?? old)?.custom === true;
}

/** What the engine reports of a stack reference at every run: nothing changes by it. */
const READ = "read";

/** What a machine was looked at for; a change that comes of it is a step of its own. */
const REFRESH = "refresh";

function counted(changes: Readonly<Partial<Record<string, number>>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(changes).filter((entry): entry is [string, number] => entry[0] !== READ && (entry[1] ?? 0) > 0),
  );
}

/** Last part of `urn:pulumi:STACK::PROJECT::TYPE$TYPE::NAME`. */
function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}
