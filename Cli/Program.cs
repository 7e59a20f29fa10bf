using ZfRepl.Cli;

return await CommandLine.RunAsync(args);
