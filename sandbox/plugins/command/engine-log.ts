import { credentials } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb.js";
// generated CommonJS whose names node cannot list
import engine from "@pulumi/pulumi/proto/engine_pb.js";

export type Severity = "info" | "warning";

/** Shows lines under a resource in the engine's display. */
export interface EngineLog {
  readonly write: (severity: Severity, urn: string, message: string) => void;
}

/** Log at the engine's address, as the engine passes it to a plugin; silent without one. */
export function engineLog(address: string | undefined): EngineLog {
  if (address === undefined) return { write: () => undefined };
  const client = new EngineClient(address, credentials.createInsecure());
  return {
    write(severity, urn, message) {
      const request = new engine.LogRequest();
      request.setSeverity(severity === "info" ? engine.LogSeverity.INFO : engine.LogSeverity.WARNING);
      request.setUrn(urn);
      request.setMessage(message);
      // a lost log line is no reason to fail the resource
      client.log(request, () => undefined);
    },
  };
}

/** Cuts a stream into lines and passes each on once it is complete; `end` passes the rest. */
export function lineWriter(write: (line: string) => void): {
  readonly push: (text: string) => void;
  readonly end: () => void;
} {
  let rest = "";
  return {
    push(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(write);
    },
    end() {
      if (rest !== "") write(rest);
      rest = "";
    },
  };
}
