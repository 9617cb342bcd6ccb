export default { workers: [{ name: "w 1", password: "x" }] };
