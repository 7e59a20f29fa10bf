using ZfRepl.Cli;

NativeMemory.KeepSmall();
return await CommandLine.RunAsync(args);
