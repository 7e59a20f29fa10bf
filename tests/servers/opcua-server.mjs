// An OPC UA server of a third party (node-opcua) for tests: it changes variables at a rate and writes its own log of every change, so that a
// test can compare what the plant did with what arrived.
//
//   node opcua-server.mjs --port 4840 --pki DIR [options]
//
//   --port N            TCP port on 127.0.0.1; the endpoint is opc.tcp://localhost:N/plant
//   --pki DIR           folder for the server's certificates, made on the first start
//   --policies A,B      security policies besides their modes; default None,Basic256Sha256
//   --modes A,B         None,Sign,SignAndEncrypt; default all
//   --user NAME --password TEXT   the one user; without it nobody can log in by name
//   --anonymous BOOL    default true
//   --trust BOOL        accept unknown client certificates; default true
//   --variables N       variables that change, ns=1;s=Var00001 and so on; default 100
//   --types A,B         their types in turn; default Double,Float,Int32,Boolean,String,Int16,UInt32,Int64,UInt64,Byte
//   --rate N            changes per second over all variables; default 0 (none until "start")
//   --changes N         stop after so many; default 0 (never)
//   --uncertain-every N every N-th change has an Uncertain status, --bad-every N a Bad one; default 0 (never)
//   --log FILE          one JSON line for each change, written before "done" is printed
//   --log-start BOOL    also the values of before the first change, as lines with "n":0; default false
//   --token-lifetime MS longest lifetime of a channel's token; default 600000
//
// It prints "listening PORT" when it is ready and "done N" when it has made all changes and the log is on disk. Lines on stdin: "start RATE [COUNT]",
// "stop" (answers "done N"), "exit". It ends when stdin is closed, so that it never outlives the test that started it.
//
// A line of the log: {"n":1,"node":"ns=1;s=Var00001","type":"Double","value":1.5,"status":0,"ticks":"133…","ps":0}; ticks are 100 ns steps since 1601-01-01
// as text, ps the rest in units of 10 picoseconds; 64-bit integers and numbers that JSON lacks are text.

import { createWriteStream } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const require = createRequire(import.meta.url);
const { OPCUAServer } = require("node-opcua-server");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { DataType, Variant, VariantArrayType } = require("node-opcua-variant");
const { LocalizedText, QualifiedName } = require("node-opcua-data-model");
const { resolveNodeId } = require("node-opcua-nodeid");
const { StatusCodes } = require("node-opcua-status-code");
const { MessageSecurityMode, SecurityPolicy } = require("node-opcua-secure-channel");

const text = (value) => ({ type: "string", default: value });
const { values: args } = parseArgs({
  options: {
    port: text("4840"), pki: text(""), policies: text("None,Basic256Sha256"), modes: text("None,Sign,SignAndEncrypt"), user: text(""),
    password: text(""), anonymous: text("true"), trust: text("true"), variables: text("100"),
    types: text("Double,Float,Int32,Boolean,String,Int16,UInt32,Int64,UInt64,Byte"), rate: text("0"), changes: text("0"),
    "uncertain-every": text("0"), "bad-every": text("0"), log: text(""), "log-start": text("false"),
    "token-lifetime": text("600000"),
  },
});
if (!args.pki) {
  throw new Error("--pki DIR is missing");
}

const TICK_MS = 10;
const UNIX_EPOCH_TICKS = 116444736000000000n;

const certificates = (folder) => new OPCUACertificateManager({
  rootFolder: folder, automaticallyAcceptUnknownCertificate: args.trust === "true", keySize: 2048, disableFileWatchers: true,
});

const server = new OPCUAServer({
  host: "127.0.0.1",
  port: Number(args.port),
  resourcePath: "/plant",
  hostname: "localhost",
  alternateHostname: ["localhost", "127.0.0.1"],
  serverInfo: { applicationUri: "urn:zfrepl:test-plant", productUri: "urn:zfrepl:test-plant", applicationName: { text: "Test plant" } },
  serverCertificateManager: certificates(join(args.pki, "server")),
  userCertificateManager: certificates(join(args.pki, "users")),
  securityPolicies: args.policies.split(",").map((name) => SecurityPolicy[name]),
  securityModes: args.modes.split(",").map((name) => MessageSecurityMode[name]),
  allowAnonymous: args.anonymous === "true",
  userManager: { isValidUser: (name, password) => args.user !== "" && name === args.user && password === args.password },
  defaultSecureTokenLifetime: Number(args["token-lifetime"]),
  // Zero: a client that asks for sampling interval 0 gets every single change.
  serverCapabilities: { minSupportedSampleRate: 0, maxSessions: 100 },
  disableDiscovery: true,
});

await server.initialize();
const namespace = server.engine.addressSpace.getOwnNamespace();
const makers = valueMakers();
const plant = addPlant();
addTypes();

const log = args.log ? createWriteStream(args.log, { flags: "a" }) : null;
let made = 0;
let goal = 0;
let timer = null;

if (args["log-start"] === "true") {
  plant.forEach((variable) => log.write(JSON.stringify(entry(variable)) + "\n"));
}

await server.start();
console.log(`listening ${args.port}`);
if (Number(args.rate) > 0) {
  start(Number(args.rate), Number(args.changes));
}

const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const [command, ...rest] = line.trim().split(/\s+/);
  if (command === "start") {
    start(Number(rest[0]), Number(rest[1] ?? 0));
  } else if (command === "stop") {
    stop();
  } else if (command === "exit") {
    end();
  }
});
input.on("close", end);
process.on("SIGTERM", end);

/** One function for each type that makes the next value; two values in a row always differ. */
function valueMakers() {
  return {
    Double: (n) => n * 1.0009765625 + 0.1,
    Float: (n) => Math.fround(n * 0.25 + 0.1),
    Int32: (n) => (n * 7919) | 0,
    Boolean: (n) => n % 2 === 0,
    String: (n) => `text ${n} äß水`,
    Int16: (n) => ((n * 31) % 65536) - 32768,
    UInt32: (n) => (n * 104729) >>> 0,
    Int64: (n) => int64(-BigInt(n) * 1000000007n),
    UInt64: (n) => int64(0x8000000000000000n + BigInt(n) * 1000000007n),
    Byte: (n) => n % 256,
    SByte: (n) => (n % 256) - 128,
    UInt16: (n) => (n * 31) % 65536,
    DateTime: (n) => new Date(1700000000000 + n),
  };
}

/** node-opcua keeps 64-bit integers as a pair of high and low word. */
function int64(value) {
  const bits = BigInt.asUintN(64, value);
  return [Number(bits >> 32n), Number(bits & 0xffffffffn)];
}

function scalar(type, value) {
  return { dataType: DataType[type], arrayType: VariantArrayType.Scalar, value };
}

function addPlant() {
  const folder = namespace.addFolder("ObjectsFolder", { browseName: "Plant", nodeId: "s=Plant" });
  const types = args.types.split(",");
  return Array.from({ length: Number(args.variables) }, (_, i) => {
    const name = `Var${String(i + 1).padStart(5, "0")}`;
    const type = types[i % types.length];
    const node = namespace.addVariable({
      organizedBy: folder, browseName: name, nodeId: `s=${name}`, dataType: type, minimumSamplingInterval: 0,
      accessLevel: "CurrentRead | CurrentWrite", value: scalar(type, makers[type](0)),
    });
    return { node, type, count: 0 };
  });
}

/** Variables that stand still: one of each shape, for reading. */
function addTypes() {
  const folder = namespace.addFolder("ObjectsFolder", { browseName: "Types", nodeId: "s=Types" });
  const add = (name, value, dimensions) => namespace.addVariable({
    organizedBy: folder, browseName: name, nodeId: `s=Types.${name}`, dataType: DataType[value.dataType],
    valueRank: dimensions ? dimensions.length : value.arrayType === VariantArrayType.Array ? 1 : -1,
    arrayDimensions: dimensions ?? null, minimumSamplingInterval: 0, accessLevel: "CurrentRead | CurrentWrite", value,
  });
  for (const [type, make] of Object.entries(makers)) {
    add(type, scalar(type, make(1)));
    add(`${type}Array`, { dataType: DataType[type], arrayType: VariantArrayType.Array, value: [make(1), make(2), make(3)] });
  }

  add("Guid", { dataType: DataType.Guid, value: "72962B91-FA75-4AE6-8D28-B404DC7DAF63" });
  add("ByteString", { dataType: DataType.ByteString, value: Buffer.from("abc") });
  add("NodeId", { dataType: DataType.NodeId, value: resolveNodeId("ns=1;s=Plant") });
  add("QualifiedName", { dataType: DataType.QualifiedName, value: new QualifiedName({ namespaceIndex: 1, name: "Q" }) });
  add("LocalizedText", { dataType: DataType.LocalizedText, value: new LocalizedText({ locale: "de", text: "Grüße" }) });
  add("DoubleMatrix", {
    dataType: DataType.Double, arrayType: VariantArrayType.Matrix, dimensions: [2, 3], value: new Float64Array([1, 2, 3, 4, 5, 6]),
  }, [2, 3]);
}

function start(rate, count) {
  clearInterval(timer);
  goal = count > 0 ? made + count : Infinity;
  const begun = process.hrtime.bigint();
  const before = made;
  timer = setInterval(() => {
    const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
    const due = Math.min(goal, before + Math.floor(seconds * rate));
    while (made < due) {
      change();
    }

    if (made >= goal) {
      stop();
    }
  }, TICK_MS);
}

function change() {
  const variable = plant[made % plant.length];
  made++;
  variable.count++;
  const every = (option) => Number(args[option]) > 0 && made % Number(args[option]) === 0;
  const status = every("bad-every") ? StatusCodes.BadSensorFailure : every("uncertain-every") ? StatusCodes.UncertainLastUsableValue : StatusCodes.Good;
  const value = makers[variable.type](variable.count);
  variable.node.setValueFromSource(new Variant(scalar(variable.type, value)), status);
  log?.write(JSON.stringify(entry(variable)) + "\n");
}

/** What the server now holds, which is what it will send. */
function entry(variable) {
  const held = variable.node.readValue();
  return {
    n: made,
    node: variable.node.nodeId.toString(),
    type: variable.type,
    value: plain(variable.type, held.value.value),
    status: held.statusCode.value,
    ticks: (BigInt(held.sourceTimestamp.getTime()) * 10000n + BigInt(Math.floor(held.sourcePicoseconds / 100000)) + UNIX_EPOCH_TICKS).toString(),
    ps: Math.floor((held.sourcePicoseconds % 100000) / 10),
  };
}

function plain(type, value) {
  if (value === null || value === undefined) {
    return null;
  }

  if (type === "Int64" || type === "UInt64") {
    const bits = (BigInt(value[0]) << 32n) | BigInt(value[1]);
    return (type === "Int64" ? BigInt.asIntN(64, bits) : BigInt.asUintN(64, bits)).toString();
  }

  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

function stop() {
  clearInterval(timer);
  timer = null;
  goal = 0;
  const done = () => console.log(`done ${made}`);
  if (log) {
    log.write("", done);
  } else {
    done();
  }
}

async function end() {
  clearInterval(timer);
  log?.end();
  setTimeout(() => process.exit(0), 2000).unref();
  await server.shutdown(0);
  process.exit(0);
}
