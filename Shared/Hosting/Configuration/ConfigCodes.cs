namespace ZfRepl.Hosting.Configuration;

/// <summary>Stable codes of the findings that the reader itself makes; 1100 and above are free for the roles.</summary>
public static class ConfigCodes
{
    /// <summary>The file cannot be opened or read.</summary>
    public const string Unreadable = "ZF-1001";

    /// <summary>The text is not YAML, not UTF-8, or not one mapping.</summary>
    public const string Syntax = "ZF-1002";

    /// <summary>The file is too large, too deep, or its aliases expand to too much.</summary>
    public const string Limit = "ZF-1003";

    /// <summary>A key stands twice in one section.</summary>
    public const string DuplicateKey = "ZF-1004";

    /// <summary>A tag, anchor or merge that the reader does not know.</summary>
    public const string Reference = "ZF-1005";

    /// <summary>A key that nobody asked for.</summary>
    public const string UnknownKey = "ZF-1006";

    /// <summary>A required key is not there or has no value.</summary>
    public const string Missing = "ZF-1007";

    /// <summary>A value of another type than expected.</summary>
    public const string WrongType = "ZF-1008";

    /// <summary>A value outside its limits.</summary>
    public const string OutOfRange = "ZF-1009";

    /// <summary>An environment variable that a value names is not set.</summary>
    public const string Environment = "ZF-1010";

    /// <summary>A secret's file is missing, unreadable, empty, or readable by others.</summary>
    public const string Secret = "ZF-1011";

    /// <summary>A value of the right type that makes no sense to the role.</summary>
    public const string Invalid = "ZF-1012";

    /// <summary>A folder that the service's account cannot write into, or on the wrong file system.</summary>
    public const string Unwritable = "ZF-1013";
}
