// pulumi-resource-gatehouse-drift: the plugin that lets `pulumi refresh` look at machines and gateways.
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { engineLog } from "../../sandbox/plugins/command/engine-log.ts";
import { endWithEngine } from "../../sandbox/plugins/shared/end-with-engine.ts";
import { observationProvider } from "./server.ts";
import { nodeVisits } from "./visits.ts";

endWithEngine();
// the engine puts its address last, after its logging flags
const log = engineLog(process.argv.slice(2).at(-1));
const server = new Server();
server.addService(
  ResourceProviderService,
  observationProvider({
    visits: nodeVisits,
    say: (severity, urn, message) => {
      log.write(severity, urn, message);
    },
  }),
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  // String(): node colours a number on a terminal
  console.log(String(port));
});
