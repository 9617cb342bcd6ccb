import singleBranch from "@multimaster/plugins/schedulers/single-branch";

export default { schedulers: [singleBranch({ name: "main", branch: "main", builders: "compile" } as never)] };
