// Gatehouse's stand-in for pulumi-language-nodejs, for machines that can't download the official Pulumi CLI.
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import { endWithEngine } from "../shared/end-with-engine.ts";
import { languageHost } from "./host.ts";

const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

endWithEngine();
// the engine puts its address last
const engine = process.argv.at(-1) ?? "";
const server = new Server({
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
});
server.addService(LanguageRuntimeService, languageHost(engine));
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  // String(): node colours a number on a terminal
  console.log(String(port));
});
