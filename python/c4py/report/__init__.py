"""Reports of a verification: for people, programs, spreadsheets, build servers and clients.

`c4py.report.text`, `.as_json`, `.as_csv`, `.junit` and `.html` write a `VerifyReport` (c4py.verify), whose methods call
them. All of them take a name for hostile: what it holds is seen and never obeyed. None says of content that was not
read that it is as it should be.
"""
