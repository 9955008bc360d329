"""RIS: Retrieve in Style (Chong et al., "Unsupervised Facial Feature Transfer and Retrieval", ICCV 2021)."""
