import { status, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";
import type { IResourceProviderServer } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
// generated CommonJS whose names node cannot list
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import type * as provider from "@pulumi/pulumi/proto/provider_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { Severity } from "../../sandbox/plugins/command/engine-log.ts";
import { NotServedError } from "../../sandbox/plugins/shared/plugin-error.ts";
import { nameOf, typeOf } from "../../sandbox/plugins/shared/urn.ts";
import type { WireObject } from "../../sandbox/plugins/shared/wire.ts";
import { NOTHING_OBSERVED, type Observed } from "../subject.ts";
import { afterRefresh, afterUpdate, plannedUpdate, type Visits } from "./observe.ts";
import { inputFailures, readInputs, readObserved, type Inputs } from "./properties.ts";

export const VERSION = "0.1.0";
/** Not `gatehouse`: the engine would give such a provider every setting of the stack, secrets too. */
const PACKAGE = "gatehouse-drift";
const OBSERVATION = `${PACKAGE}:index:Observation`;

type Handlers = Pick<
  IResourceProviderServer,
  | "getPluginInfo"
  | "getSchema"
  | "configure"
  | "attach"
  | "cancel"
  | "check"
  | "diff"
  | "create"
  | "read"
  | "update"
  | "delete"
>;

export interface Surroundings {
  readonly visits: (inputs: Inputs, signal: AbortSignal) => Visits;
  readonly say: (severity: Severity, urn: string, message: string) => void;
}

/**
 * The provider of `gatehouse-drift:index:Observation`. Not on the SDK's own server, which tells a provider neither whether it
 * is a preview nor lets it say which properties differ; grpc answers UNIMPLEMENTED for what is not here.
 */
export function observationProvider({ visits, say }: Surroundings): Handlers {
  const cancelled = new AbortController();
  const visitsOf = (inputs: WireObject): readonly [Inputs["subject"], Visits] => {
    const read = readInputs(inputs);
    return [read.subject, visits(read, cancelled.signal)];
  };
  return {
    getPluginInfo: answer(async () => {
      const info = new plugin.PluginInfo();
      info.setVersion(VERSION);
      return info;
    }),

    getSchema: answer(async () => {
      const response = new messages.GetSchemaResponse();
      response.setSchema(JSON.stringify({ name: PACKAGE, version: VERSION }));
      return response;
    }),

    configure: answer(async () => {
      const response = new messages.ConfigureResponse();
      response.setAcceptsecrets(true);
      // else every phase that waits for an observation would be unknown at preview
      response.setSupportspreview(true);
      return response;
    }),

    attach: answer(async () => new empty.Empty()),

    cancel: answer(async () => {
      cancelled.abort();
      return new empty.Empty();
    }),

    check: answer(async (request: provider.CheckRequest) => {
      onlyObservation(request.getUrn());
      const response = new messages.CheckResponse();
      response.setInputs(request.getNews());
      response.setFailuresList(
        inputFailures(properties(request.getNews())).map(({ property, reason }) => {
          const failure = new messages.CheckFailure();
          failure.setProperty(property);
          failure.setReason(reason);
          return failure;
        }),
      );
      return response;
    }),

    // other inputs are no difference: the engine records them without an update, and without a connection
    diff: answer(async (request: provider.DiffRequest) => {
      const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
      const { deviations, due } = readObserved(properties(request.getOlds()));
      const response = new messages.DiffResponse();
      response.setChanges(deviations.length === 0 ? DIFF_NONE : DIFF_SOME);
      if (deviations.length === 0) return response;
      response.setHasdetaileddiff(true);
      response.setDiffsList(["deviations"]);
      const removed = new messages.PropertyDiff();
      removed.setKind(messages.PropertyDiff.Kind.DELETE);
      const paths = [...deviations.map((_, at) => `deviations[${at}]`), ...due.map((_, at) => `due[${at}]`)];
      for (const path of paths) response.getDetaileddiffMap().set(path, removed);
      return response;
    }),

    create: answer(async (request: provider.CreateRequest) => {
      const response = new messages.CreateResponse();
      if (!request.getPreview()) response.setId(nameOf(request.getUrn()));
      response.setProperties(state(NOTHING_OBSERVED));
      return response;
    }),

    read: answer(async (request: provider.ReadRequest) => {
      const inputs = request.getInputs();
      const [subject, nodeVisits] = visitsOf(properties(inputs));
      const before = readObserved(properties(request.getProperties()));
      const after = await afterRefresh(subject, before, nodeVisits, (severity, message) => {
        say(severity, request.getUrn(), message);
      });
      const response = new messages.ReadResponse();
      response.setId(request.getId());
      response.setInputs(inputs);
      response.setProperties(state(after));
      return response;
    }),

    update: answer(async (request: provider.UpdateRequest) => {
      const before = readObserved(properties(request.getOlds()));
      const response = new messages.UpdateResponse();
      if (request.getPreview()) {
        response.setProperties(state(plannedUpdate(before)));
        return response;
      }
      const [subject, nodeVisits] = visitsOf(properties(request.getNews()));
      const after = await afterUpdate(subject, before, nodeVisits, (severity, message) => {
        say(severity, request.getUrn(), message);
      });
      response.setProperties(state(after));
      return response;
    }),

    delete: answer(async () => new empty.Empty()),
  };
}

function onlyObservation(urn: string): void {
  if (typeOf(urn) !== OBSERVATION) throw new NotServedError(typeOf(urn), PACKAGE, VERSION);
}

function properties(value: struct.Struct | undefined): WireObject {
  return value?.toJavaScript() ?? {};
}

function state({ deviations, due, repeats }: Observed): struct.Struct {
  return struct.Struct.fromJavaScript({ deviations: [...deviations], due: [...due], repeats: { ...repeats } });
}

function answer<Request, Response>(handle: (request: Request) => Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    handle(call.request).then(
      (response) => {
        callback(null, response);
      },
      (error: unknown) => {
        callback({ code: status.UNKNOWN, details: error instanceof Error ? error.message : "failed" });
      },
    );
  };
}
