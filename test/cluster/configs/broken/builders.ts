import shell from "@multimaster/plugins/steps/shell";

export default { builders: [{ name: "compile", workers: [], steps: [shell({ comand: "make" } as never)] }] };
