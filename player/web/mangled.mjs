// Finds the property names that a build may shorten: those that only our own code reads and
// writes. TypeScript knows which these are.
//
// A build shortens by name, not by type, so a name stays as soon as one property that bears
// it is somebody else's:
//  - of the browser, the language or a library: all properties of each of their types that an
//    expression of ours has or that an object of ours is made for;
//  - of the page and its player: what files outside of our own folders declare, unless it is
//    private there;
//  - of the wire, of what IndexedDB stores, of exports, of what is reached by a text: keys of
//    objects that are made for an index signature or for no type, properties of values that
//    have no type, and every name that stands in quotes.
import { fileURLToPath } from "node:url";
import ts from "typescript-api";

/** As TypeScript writes it, on Windows too. */
const root = fileURLToPath(new URL(".", import.meta.url)).replaceAll("\\", "/");

/** Folders whose names are our own. */
const own = ["core", "node", "rtc", "segments", "signal", "wire", "worker"].map((name) => `${root}src/${name}/`);
/** What it stores, later builds must find. */
const stored = `${root}src/segments/disk.ts`;
/** The language itself reads these. */
const language = "constructor prototype length name message stack cause then next done value return throw toString valueOf toJSON";

const isOwn = (node) => own.some((folder) => node.getSourceFile().fileName.startsWith(folder));
const isPrivate = (node) => (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private) !== 0;
const isForeign = (node) => !isOwn(node) && !isPrivate(node);
/** Whether a declaration is of a property, and not of an export or an enumeration's member. */
const isProperty = (node) =>
  ts.isPropertySignature(node) || ts.isMethodSignature(node) || ts.isClassElement(node) || ts.isObjectLiteralElement(node) ||
  ts.isParameterPropertyDeclaration(node, node.parent);

/** What library.mjs makes files of. */
const entries = ["worker/entry.ts", "segments/disk.ts", "segments/noble.ts", "module.ts", "classic.ts", "sw.ts"].map((name) => `${root}src/${name}`);
/** Functions that hand a copy of an object to our own code elsewhere. */
const copies = new Set(["postMessage"]);

/** Reads sources, and tells names that may be shortened from those that may not. */
class Reader {
  own = new Set();
  kept = new Set(language.split(" "));
  /** Types that were looked at, and those of which all names were kept. */
  #seen = new Set();
  #whole = new Set();

  constructor(checker) {
    this.checker = checker;
  }

  /** Keeps what a type of somebody else, or a part of a type, calls its properties. */
  type(type, all = false) {
    const seen = all ? this.#whole : this.#seen;
    if (!type || seen.has(type)) return;
    seen.add(type);
    if (type.isUnionOrIntersection()) return type.types.forEach((t) => this.type(t, all));
    if (!(type.flags & ts.TypeFlags.Object)) {
      const apparent = this.checker.getApparentType(type);
      return apparent === type ? undefined : this.type(apparent);
    }
    if (type.objectFlags & ts.ObjectFlags.Reference) this.checker.getTypeArguments(type).forEach((t) => this.type(t, all));
    const properties = type.getProperties();
    // A class of ours may extend one of theirs.
    for (const p of properties) if (all || p.declarations?.some(isForeign)) this.kept.add(p.name);
    // Dictionaries are made in one go with what they hold.
    const theirs = type.symbol?.declarations?.some(isForeign);
    if (theirs ? !properties.some((p) => p.flags & ts.SymbolFlags.Method) : all)
      for (const p of properties) this.type(this.checker.getTypeOfSymbol(p), all);
  }

  /** Whether a property is declared by our own code, and by nobody else. */
  ours(symbol) {
    return symbol?.declarations?.every((d) => isProperty(d) && !isForeign(d)) ?? false;
  }

  node(node) {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isExpression(node) || ts.isBindingName(node)) this.type(this.checker.getTypeAtLocation(node));
    if (ts.isTypeReferenceNode(node)) this.type(this.checker.getTypeFromTypeNode(node));
    if (ts.isStringLiteralLike(node)) this.text(node);
    if (ts.isPropertyAccessExpression(node)) {
      const { name } = node;
      (this.ours(this.checker.getSymbolAtLocation(name)) ? this.own : this.kept).add(name.text);
    }
    if (ts.isBindingElement(node) && !node.dotDotDotToken && ts.isObjectBindingPattern(node.parent)) {
      const name = (node.propertyName ?? node.name).getText();
      const from = this.checker.getTypeAtLocation(node.parent);
      (this.ours(from.getProperty(name)) ? this.own : this.kept).add(name);
    }
    if (isProperty(node) && node.name && ts.isIdentifier(node.name)) (isForeign(node) ? this.kept : this.own).add(node.name.text);
    if (ts.isObjectLiteralExpression(node)) this.literal(node);
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) node.arguments?.forEach((a) => this.argument(a, node));
    ts.forEachChild(node, (child) => this.node(child));
  }

  /** A text may be a name, or several to split. */
  text(node) {
    const split = ts.isPropertyAccessExpression(node.parent) && node.parent.name.text === "split";
    for (const word of split ? node.text.split(" ") : [node.text]) this.kept.add(word);
  }

  /** Whether properties are reached by other means than their names in a type. */
  open(type) {
    if (type.isUnion()) return type.types.some((t) => this.open(t));
    const { Any, Unknown, NonPrimitive, Object } = ts.TypeFlags;
    if (type.flags & (Any | Unknown | NonPrimitive)) return true;
    const empty = type.flags & Object && !type.getProperties().length && !type.getCallSignatures().length;
    return empty || this.checker.getIndexInfosOfType(type).some((i) => i.keyType.flags & ts.TypeFlags.String);
  }

  /** What an object is made for. */
  literal(node) {
    const wanted = this.checker.getContextualType(node);
    if (!wanted) return;
    this.type(wanted);
    if (this.open(wanted)) for (const p of node.properties) if (p.name) this.kept.add(p.name.getText());
  }

  /** What is handed to others. */
  argument(node, call) {
    const callee = this.checker.getSymbolAtLocation(ts.isPropertyAccessExpression(call.expression) ? call.expression.name : call.expression);
    if (!callee?.declarations?.every((d) => !isOwn(d)) || copies.has(callee.name)) return;
    const wanted = this.checker.getContextualType(node);
    if (!wanted) return;
    this.type(wanted);
    if (this.open(wanted)) this.type(this.checker.getTypeAtLocation(node), true);
  }
}

let found;
/** Names that may be shortened, sorted. */
export const ownNames = () => (found ??= find());

function find() {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  const program = ts.createProgram(entries, options);
  const checker = program.getTypeChecker();
  const reader = new Reader(checker);
  for (const file of program.getSourceFiles()) {
    if (!file.fileName.startsWith(`${root}src/`)) continue;
    reader.node(file);
    if (file.fileName === stored)
      for (const node of file.statements) if (ts.isInterfaceDeclaration(node)) reader.type(checker.getTypeAtLocation(node), true);
    // What one file exports another imports by name.
    const module = entries.includes(file.fileName) && checker.getSymbolAtLocation(file);
    if (module) for (const { name } of checker.getExportsOfModule(module)) reader.kept.add(name);
  }
  return [...reader.own].filter((name) => name.length > 2 && !reader.kept.has(name)).sort();
}
