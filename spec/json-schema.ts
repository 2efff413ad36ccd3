import { dirname, join } from "node:path";
import ts from "typescript";
import { z } from "zod";
import { fleetSchema } from "./fleet.ts";
import { SECRET_REF_SCHEMES } from "./ref-schemes.ts";
import { secretRefSchema } from "./secret-ref.ts";

// draft 7, since that is what the YAML language server knows best
type JsonSchema = z.core.JSONSchema.BaseSchema;

/** File names of the two schemas, side by side. */
export const FLEET_SCHEMA_FILE = "gatehouse.schema.json";
export const STACK_SCHEMA_FILE = "gatehouse-stack.schema.json";

/**
 * The fleet as an author writes it, described by the doc comments of `FleetInput`. It knows shapes only; the rules across
 * fields are `parseFleet`'s.
 */
export function fleetJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(fleetSchema, {
    io: "input",
    target: "draft-7",
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === secretRefSchema) jsonSchema.pattern = `^(${SECRET_REF_SCHEMES.join("|")})://`;
    },
  });
  const { checker, type } = fleetInputType();
  describe(schema, type, checker);
  return { ...schema, title: "A Gatehouse fleet" };
}

/** A stack's configuration file (`Pulumi.STACK.yaml`) that holds a fleet. */
export function stackJsonSchema(): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration of a Gatehouse stack",
    type: "object",
    required: ["config"],
    properties: {
      config: {
        type: "object",
        required: ["gatehouse:fleet"],
        properties: { "gatehouse:fleet": { $ref: FLEET_SCHEMA_FILE } },
        patternProperties: {
          "^gatehouse:(?!fleet$)": {
            description: "A secret that a pulumi:// reference names: `pulumi config set --secret gatehouse:KEY`.",
            type: "object",
            required: ["secure"],
            properties: { secure: { type: "string" } },
            additionalProperties: false,
          },
        },
      },
    },
  };
}

/** Copies the doc comments of `type` to the properties of `schema`, which has the same structure. */
function describe(schema: JsonSchema, type: ts.Type, checker: ts.TypeChecker): void {
  if (isSchema(schema.items)) {
    const element = checker.getIndexTypeOfType(type, ts.IndexKind.Number);
    if (element) describe(schema.items, element, checker);
  }
  if (isSchema(schema.additionalProperties)) {
    const value = type.getProperties()[0];
    if (value) describe(schema.additionalProperties, valueType(value, checker), checker);
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const symbol = type.getProperty(name);
    if (!symbol || !isSchema(property)) continue;
    const text = ts.displayPartsToString(symbol.getDocumentationComment(checker)).replaceAll("\n", " ");
    if (text !== "") property.description = text;
    describe(property, valueType(symbol, checker), checker);
  }
}

function valueType(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Type {
  return checker.getNonNullableType(checker.getTypeOfSymbol(symbol));
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fleetInputType(): { readonly checker: ts.TypeChecker; readonly type: ts.Type } {
  const file = join(import.meta.dirname, "fleet.ts");
  const config = join(dirname(import.meta.dirname), "tsconfig.json");
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, (path) => ts.sys.readFile(path)).config,
    ts.sys,
    dirname(config),
  );
  const program = ts.createProgram([file], options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  const symbol = module && checker.getExportsOfModule(module).find(({ name }) => name === "FleetInput");
  if (!symbol) throw new Error("spec/fleet.ts exports no type FleetInput");
  return { checker, type: checker.getDeclaredTypeOfSymbol(symbol) };
}
