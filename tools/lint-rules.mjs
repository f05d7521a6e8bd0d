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

export const stint = { rules: { "function-lines": functionLines } };
