import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../../graphql/schema.graphql",
  documents: "*.ts",
  emitLegacyCommonJSImports: false,
  generates: {
    "./gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        scalars: { DateTime: "string", Count: "number", JSON: "unknown" },
        useTypeImports: true,
      },
    },
  },
};

export default config;
