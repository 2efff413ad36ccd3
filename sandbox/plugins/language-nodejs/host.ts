import { spawn, type ChildProcess } from "node:child_process";
import { status, type sendUnaryData, type ServerUnaryCall, type ServerWritableStream } from "@grpc/grpc-js";
import type { ILanguageRuntimeServer } from "@pulumi/pulumi/proto/language_grpc_pb.js";
// generated CommonJS whose names node cannot list
import messages from "@pulumi/pulumi/proto/language_pb.js";
import type * as language from "@pulumi/pulumi/proto/language_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import plugins from "@pulumi/pulumi/proto/plugin_pb.js";
import { ALREADY_REPORTED, pluginProcess, programProcess } from "./node-process.ts";
import { readOptions } from "./options.ts";
import { programDependencies, requiredPlugins } from "./packages.ts";

type Handlers = Pick<
  ILanguageRuntimeServer,
  | "handshake"
  | "getRequiredPlugins"
  | "getRequiredPackages"
  | "run"
  | "getPluginInfo"
  | "installDependencies"
  | "about"
  | "getProgramDependencies"
  | "runPlugin"
  | "cancel"
>;

/**
 * The part of the language host that running a program and a policy pack needs. grpc answers UNIMPLEMENTED for the rest
 * (code generation, packing, templates).
 * @param engine address of the engine, passed on to the program.
 */
export function languageHost(engine: string): Handlers {
  const running = new Set<ChildProcess>();
  return {
    handshake: answer(async () => new messages.LanguageHandshakeResponse()),

    getRequiredPlugins: answer(async (request: language.GetRequiredPluginsRequest) => {
      const response = new messages.GetRequiredPluginsResponse();
      for (const { name, version, server } of await requiredPlugins(directoryOf(request.getInfo()))) {
        const plugin = new plugins.PluginDependency();
        plugin.setName(name);
        plugin.setKind("resource");
        plugin.setVersion(version);
        plugin.setServer(server);
        response.addPlugins(plugin);
      }
      return response;
    }),

    getRequiredPackages: answer(async (request: language.GetRequiredPackagesRequest) => {
      const response = new messages.GetRequiredPackagesResponse();
      for (const { name, version, server } of await requiredPlugins(directoryOf(request.getInfo()))) {
        const dependency = new plugins.PackageDependency();
        dependency.setName(name);
        dependency.setKind("resource");
        dependency.setVersion(version);
        dependency.setServer(server);
        response.addPackages(dependency);
      }
      return response;
    }),

    run: answer(async (request: language.RunRequest) => {
      const { args, cwd, env } = programProcess(request, readOptions(request.getInfo()), engine);
      // the engine shows what a language host prints
      const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "inherit", "inherit"] });
      running.add(child);
      const exit = await ended(child);
      running.delete(child);
      const response = new messages.RunResponse();
      if (exit === ALREADY_REPORTED) response.setBail(true);
      else if (exit !== 0) response.setError(`Program exited with non-zero exit code: ${exit}`);
      return response;
    }),

    getPluginInfo: answer(async () => {
      const info = new plugins.PluginInfo();
      info.setVersion("0.0.0");
      return info;
    }),

    // the project's own launcher installs the locked dependencies
    installDependencies(call) {
      call.end();
    },

    about: answer(async () => {
      const response = new messages.AboutResponse();
      response.setExecutable(process.execPath);
      response.setVersion(process.version);
      response.getMetadataMap().set("host", "Gatehouse's stand-in for pulumi-language-nodejs");
      return response;
    }),

    getProgramDependencies: answer(async (request: language.GetProgramDependenciesRequest) => {
      const response = new messages.GetProgramDependenciesResponse();
      for (const { name, version } of await programDependencies(directoryOf(request.getInfo()))) {
        const dependency = new messages.DependencyInfo();
        dependency.setName(name);
        dependency.setVersion(version);
        response.addDependencies(dependency);
      }
      return response;
    }),

    runPlugin(call: ServerWritableStream<language.RunPluginRequest, language.RunPluginResponse>) {
      try {
        const { args, cwd, env } = pluginProcess(call.request, readOptions(call.request.getInfo()));
        const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
        running.add(child);
        child.stdout.on("data", (data: Buffer) => {
          const response = new messages.RunPluginResponse();
          response.setStdout(data);
          call.write(response);
        });
        child.stderr.on("data", (data: Buffer) => {
          const response = new messages.RunPluginResponse();
          response.setStderr(data);
          call.write(response);
        });
        // the engine ends a plugin by cancelling the call
        call.on("cancelled", () => child.kill());
        void ended(child).then((exit) => {
          running.delete(child);
          const response = new messages.RunPluginResponse();
          response.setExitcode(exit);
          call.write(response);
          call.end();
        });
      } catch (error) {
        call.destroy(Object.assign(new Error(messageOf(error)), { code: status.FAILED_PRECONDITION }));
      }
    },

    cancel: answer(async () => {
      for (const child of running) child.kill("SIGINT");
      return new empty.Empty();
    }),
  };
}

function answer<Request, Response>(handle: (request: Request) => Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    handle(call.request).then(
      (response) => {
        callback(null, response);
      },
      (error: unknown) => {
        callback({ code: status.UNKNOWN, details: messageOf(error) });
      },
    );
  };
}

function directoryOf(info: language.ProgramInfo | undefined): string {
  return info?.getProgramDirectory() || process.cwd();
}

/** Exit status; 128 for a process that could not start or was ended by a signal. */
function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once("error", (error) => {
      process.stderr.write(`node could not be started: ${error.message}\n`);
      resolve(128);
    });
    child.once("close", (code) => {
      resolve(code ?? 128);
    });
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
