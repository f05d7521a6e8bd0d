// Rules of this repository that ESLint does not have (eslint.config.mjs).

/** Functions fit a screen. A `describe` is a chapter of tests, no function in this sense. */
const functionLines = {
  meta: {
    type: "suggestion",
    schema: [{ type: "integer" }],
    messages: { long: "This function has {{lines}} lines; {{max}} are allowed." },
  },
  create(context) {
    const [max = 70] = context.options;
    const check = (node) => {
      const lines = node.loc.end.line - node.loc.start.line + 1, parent = node.parent;
      if (lines <= max || (parent.type === "CallExpression" && parent.callee.name === "describe")) return;
      context.report({ node, messageId: "long", data: { lines, max } });
    };
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

/** Calls that are given a bare `true` or `false`, by the last word of what is called. All of them are others'. */
const BOOLEANS = [
  [/^[gs]et(Big)?(Int|Uint|Float)\d+$/, "DataView: whether the bytes are little-endian"],
  [/^set(NoDelay|KeepAlive|Broadcast)$/, "node:net and node:dgram, and our classes that are used like theirs"],
  [/^setOption$/, "an option stands before it, by its name"],
  [/^resolve$/, "what a promise is for"],
  [/^(createSourceFile|isIterationStatement)$/, "TypeScript"],
  [/^(setDebugInfo|addGlobal)$/, "Binaryen"],
  [/^showHelpAfterError$/, "Commander"],
  [/^endAsync$/, "MQTT.js"],
  [/^onChange$/, "our links tell whether they are up, and why"],
];

/** `true` and `false`, under whatever type, and numbers that stand for them: `!0`. */
function isBare(node) {
  if (/^TS(As|NonNull|Satisfies)Expression$|^TSTypeAssertion$/.test(node.type)) return isBare(node.expression);
  if (node.type === "UnaryExpression" && node.operator === "!")
    return node.argument.type === "Literal" || isBare(node.argument);
  return typeof node.value === "boolean";
}

/** Whoever reads `f(x, true)` must look up what is true. An option, a word or a function of its own says it. */
const noBareBoolean = {
  meta: {
    type: "suggestion",
    schema: [],
    messages: { bare: "{{what}} says nothing here: write an option, a word, or two functions." },
  },
  create(context) {
    const check = (node) => {
      let { callee } = node;
      // `a!(true)`
      while (callee.type === "TSNonNullExpression") callee = callee.expression;
      const of = callee.type === "MemberExpression" ? callee.object : callee;
      const name = (callee.type === "MemberExpression" ? callee.property : callee).name ?? "";
      // What is compared is the question itself.
      if (of.name === "assert" || BOOLEANS.some(([known]) => known.test(name))) return;
      for (const argument of node.arguments)
        if (isBare(argument)) context.report({
          node: argument, messageId: "bare", data: { what: `A bare ${context.sourceCode.getText(argument)}` },
        });
    };
    return { CallExpression: check, NewExpression: check };
  },
};

export const stint = { rules: { "function-lines": functionLines, "no-bare-boolean": noBareBoolean } };
