namespace ZfRepl.OpcUa.Security;

/// <summary>How messages are protected once the channel is open (OPC 10000-4, clause 7).</summary>
public enum MessageSecurityMode
{
    /// <summary>Not a mode; travels where none is set.</summary>
    Invalid = 0,

    /// <summary>Neither signed nor encrypted.</summary>
    None = 1,

    /// <summary>Signed, readable for everybody on the way.</summary>
    Sign = 2,

    /// <summary>Signed and encrypted.</summary>
    SignAndEncrypt = 3,
}
