// Rules that find faults, and two about form: the length of lines and of functions. Nothing lays the source out anew.
import eslint from "@eslint/js";
import tseslint from "typescript-eslint";
import { stint } from "./tools/lint-rules.mjs";

const NODE_TEST = { from: "package", package: "node:test", name: ["it", "describe", "test", "before", "after"] };
const GLOBALS = ["console", "process", "Buffer", "URL", "WebAssembly", "crypto", "setImmediate"];

export default tseslint.config(
  {
    // What another compiler reads, and what is made.
    ignores: [
      "build/**", "assembly/**", "tests/unit/**", "tests/*/assembly/**", "tests/as-pect.*.js", "host/wasi/**",
      "**/assemblyscript/**", "host/module/layout.ts",
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  eslint.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-floating-promises": ["error", { allowForKnownSafeCalls: [NODE_TEST] }],
      "@typescript-eslint/no-unused-expressions": ["error", { allowShortCircuit: true, allowTernary: true }],
      // Text is put together of what prints well: numbers, buffers, lists of numbers.
      "@typescript-eslint/restrict-plus-operands": "off",
      "@typescript-eslint/restrict-template-expressions": "off",
      // What implements an interface whose methods are asynchronous need not wait for anything.
      "@typescript-eslint/require-await": "off",
      // Events of Node, and exports of modules, are of any type.
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-enum-comparison": "off",
    },
  },
  {
    // Tests take methods out of their objects on purpose: to put others in their place, and to call exports in a row.
    files: ["tests/**"],
    rules: { "@typescript-eslint/unbound-method": "off" },
  },
  {
    files: ["**/*.mjs"],
    languageOptions: { globals: Object.fromEntries(GLOBALS.map((name) => [name, "readonly"])) },
  },
  {
    plugins: { stint },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-self-compare": "error",
      "no-unreachable-loop": "error",
      "no-template-curly-in-string": "error",
      "no-regex-spaces": "off",
      "array-callback-return": "error",
      "no-constructor-return": "error",
      "max-len": ["error", { code: 120 }],
      "stint/function-lines": ["error", 70],
      "stint/no-bare-boolean": "error",
    },
  },
);
