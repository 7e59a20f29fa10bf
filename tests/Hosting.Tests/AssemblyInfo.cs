using System.Runtime.Versioning;

// File modes, signals and Unix sockets are what these tests are about.
[assembly: SupportedOSPlatform("linux")]
